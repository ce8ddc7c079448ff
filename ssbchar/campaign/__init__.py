"""What the user says: config file, sample sheet, their schema."""
