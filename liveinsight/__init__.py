"""The roof: the pipeline on one machine, the command line, and what else is made of the parts."""
