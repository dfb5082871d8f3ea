"""Files in which tools keep credentials; one file for each kind of thing that they open."""
