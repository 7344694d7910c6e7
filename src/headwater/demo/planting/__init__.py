"""Laying the made files into the folder, and writing down what was planted."""
