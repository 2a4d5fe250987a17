"""Errors, settings, secrets, database connections, logs: what every other package builds on.

In come rest_conf.yml, the environment's values and the files of secrets; out go typed values,
connections and log lines. Imports nothing else of Rowhouse.
"""
