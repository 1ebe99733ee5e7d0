"""The natural world: conversations as people have them, about things that do not exist."""
