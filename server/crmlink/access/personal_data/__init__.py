"""Finding and erasing what is kept about one person."""
