"""What is said to the process that reads documents, and what it answers.

One file per kind of document: the tasks by name, their arguments and answers as plain data.  Both
sides import it, so it imports no library that parses.
"""
