"""Every sentence a person reads: a stable kebab-case code, typed parameters, one file a language.

Takes a code and parameters, gives a sentence in English or Japanese. No network, no clock; reads only the data files
beside it. The files are plain JSON, so that the console reads the very same ones:

- `parameters.json`: code to {parameter: kind}; kinds are text, object, number, duration, time, revision, list, command,
  sentence (one inside another: {code, parameters}, or foreign text as it came).
- `en.json`, `ja.json`: code to template; `{name}` stands for a parameter, `{{` and `}}` for braces, and
  `{count|object|objects}` for the first word where count is one, else for the second.
"""

from haori.words.sentences import Language, Sentence, current_language, has_code, read_sentence, text

__all__ = ["Language", "Sentence", "current_language", "has_code", "read_sentence", "text"]
