"""What each command does, by whose command it is; `cli` has the table of all and their options."""
