"""The page people look at: what is measured for it, how it is put in order, and its templates."""
