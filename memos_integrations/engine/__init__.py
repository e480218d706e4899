"""The embedded MemOS: the same HTTP API, answered by SQLite in this process, without a key, a server or an LLM."""
