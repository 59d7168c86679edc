"""Everything that an owner would miss, in one file: made while the server runs, verified, and put back."""
