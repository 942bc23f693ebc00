"""`foretone hear`: the process that listens to a microphone, a pickup or a line."""
