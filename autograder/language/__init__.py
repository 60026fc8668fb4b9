"""The languages in which a learner reads: English, in which everything is said, and what it is shown in.

Sentences are made in English, wherever they are made, and stay English in every result. What a learner sees goes through
`say`, which finds the sentence's pattern in the catalogues and puts the values into its translation; see `sentences`. What has
no translation is shown as it is. So no other part of the kit knows of languages, and a page can be made in any of them from
the same result.
"""

from autograder.language.chosen import (
    BESIDE,
    CHINESE,
    ENGLISH,
    LANGUAGES,
    OF_EXERCISES,
    VARIABLE,
    Language,
    catalogues,
    current,
    known,
    parts,
    said,
    say,
    use,
)

__all__ = [
    "BESIDE",
    "CHINESE",
    "ENGLISH",
    "LANGUAGES",
    "OF_EXERCISES",
    "VARIABLE",
    "Language",
    "catalogues",
    "current",
    "known",
    "parts",
    "said",
    "say",
    "use",
]
