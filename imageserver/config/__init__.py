"""Options: what they are (model), how a node becomes a value (schema), how files are read (reader), what is masked."""
