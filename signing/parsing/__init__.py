"""What runs behind the walls: reading and writing documents of other people.

Everything here may be taken over by a hostile document.  It has no keys, no database, no network,
and nothing that it says is believed without being checked outside.
"""
