"""The reports and papers that are part of mnistlab: a folder for each, with its report.yaml."""
