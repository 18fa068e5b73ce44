"""HTTP: the endpoints and the pages.  Views call use cases; none of them touches storage."""
