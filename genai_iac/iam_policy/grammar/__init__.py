"""How statements are read: tokens, a cursor over them, one file for each part of the grammar, and what to say on failure."""
