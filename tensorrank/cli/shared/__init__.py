"""What several verbs share: the terminal, options, watching, model files, findings."""
