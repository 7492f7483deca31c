"""What an instance holds: leads, their fields, activities, lists and programs. Nothing here knows of HTTP."""
