"""What a person or the node set out to do: numbered, with steps and an end."""
