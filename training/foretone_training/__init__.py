"""Desktop training: from sessions to a .tflite model with its card inside."""
