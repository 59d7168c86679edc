"""Stand-ins for the services that providers call: real HTTP servers that charge on paper and misbehave on demand."""
