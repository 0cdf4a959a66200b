"""What a reader of the console waits for, with many applications and with one of many objects."""
