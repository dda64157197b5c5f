"""What components hand to each other as JSON, as typed records: a module for each file (`serialising` reads)."""
