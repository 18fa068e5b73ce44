"""What a process has that keeps a secret to itself: its wall, its door, its window and its memory.

The signer and the second-factor verifier are two of them; what they decide is theirs.
"""
