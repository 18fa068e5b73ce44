"""The pages of the signing journey: what the signer reads, confirms or refuses.

They are pages of the provider like all others: its session, its cookies, its theme, its languages.
What they ask of signing are its use cases (`signing/requests`, `authorize`, `confirm`).
"""
