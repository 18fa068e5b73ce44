"""The provider: accounts, sign-in, OAuth and OpenID Connect, its pages, and the composition."""
