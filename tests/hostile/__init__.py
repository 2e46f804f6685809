"""Hostile input: a corpus of cases, two ways to run them, and one judge.

A generator is a module here with a function ``cases()`` that yields :class:`hostile.case.Case`; it is named
in ``hostile.corpus.GENERATORS``. ``python -m hostile`` (``make fuzz``) runs every case in a process of its
own, under limits; tests/test_hostile.py runs those that are marked quick in its own process.
"""
