"""
The client of Alli's REST API: the only code that talks to Alli.

    client        the operations that read, and the stop: one typed method each
    editor        the operations that change conversations, chats and categories
    completions   questions to a language model, whole or streamed
    operations    what these three share: paths, and how an answer becomes a value
    listing       paging through the list of conversations
    exchange      one request and its answer: permitted, paced, told to metrics and witness, judged
    flight        one request on its way: bounded in time and size, foreign exceptions translated
    sse           server-sent events out of bytes
    answers       what an answer means: a fact, a refusal, an outage, or nothing that can be understood
    wire          JSON to the values of `monitor.model`, row by row
    records       JSON to values where no times are involved: categories, daily counts, answers to writes
    units         which unit a time is in
    server_time   what time it is at Alli
    pacing        how fast we may ask, and who goes first
    credentials   the key, kept out of every repr
    transport     the HTTP client of a project: proxy, authorities, client certificate
"""
