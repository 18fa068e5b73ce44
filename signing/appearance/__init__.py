"""What a signature looks like on the page: rules as data, places as geometry, words as text.

Nothing here opens a document, an image or a font: those are drawn in isolation
(`signing/parsing/appearance.py`).  Whether a signature is valid never depends on its looks.
"""
