"""Repositories: fetch, resolve, read trees without a checkout, push.

Takes URLs, revisions and paths; gives commits, trees and bytes out of bare mirrors that it keeps below one folder. Every
repository is hostile until shown otherwise: links are surfaced and never followed, no hook runs, git asks nobody and reads
nobody's configuration. Credentials come from a callable and go to git by its environment, never by arguments or URLs.
"""
