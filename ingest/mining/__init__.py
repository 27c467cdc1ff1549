"""Mining labels from report sentences: lexicon, matching, composition, and relevance to each bookmark."""
