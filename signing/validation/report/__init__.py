"""Forms of a report: what machines read, what is kept, and what every form says first.

What lives here: `summary` (what follows from a report and stands in each of its forms), `json`,
`etsi_xml` (ETSI TS 119 102-2) and `pdf`, the pages that are sealed.
Not here: sentences for people (`idp/web/verify_sentences`), any judgement.
"""
