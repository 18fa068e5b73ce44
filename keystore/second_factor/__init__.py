"""The process that alone knows one-time codes and says what they confirm, and how others ask it."""
