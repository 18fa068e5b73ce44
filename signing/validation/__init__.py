"""Whether a signed document is what it says: from somebody's file to a verdict with its reasons.

The procedure is that of ETSI EN 319 102-1 and knows no format; each format has a file that reads
it into `found`.  Whatever comes in, the outcome is a report.
"""
