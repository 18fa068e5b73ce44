"""A relying party with a browser, for tests that see a provider only from outside.

What lives here: a small browser (cookies, redirects by hand, forms), the person who fills in the
pages, the code flow with its checks, a receiver of back-channel logouts, and the two providers
that it is pointed at: ours and node-oidc-provider.  Not here: tests, and anything of the product;
nothing in this package imports `idp`, `keystore` or `clients`.
"""
