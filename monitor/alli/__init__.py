"""
The client of Alli's REST API: the only code that talks to Alli.

    client        one typed method for each operation that the monitor uses
    listing       paging through the list of conversations
    exchange      one paced request and its answer, with foreign exceptions translated
    answers       what an answer means: a fact, a refusal, an outage, or nothing that can be understood
    wire          JSON to the values of `monitor.model`, row by row
    units         which unit a time is in
    server_time   what time it is at Alli
    pacing        how fast we may ask, and who goes first
    credentials   the key, kept out of every repr
"""
