/* The rollout of frames in a live fleet (sections 5.4, 6 and 9 of the specification).

   What is modelled. Two senders send messages to one destination. Behind it stand two receivers that
   share its address: a message, or a connection, goes to either. A receiver reads bare messages only,
   or both dialects. It may be upgraded and rolled back at any time that the rules allow, and may crash
   and come back as the version that is deployed. A sender sends bare messages or frames, over a queue
   that outlives it (the receivers take from it, in its order), or over a connection to one receiver,
   which ends when either side does. A receiver on a connection may answer in frames, and who has
   accepted a frame of a connection may send frames on it: that is evidence (G-3, G-4). A sender may
   crash; what it had put into the queue stays there.

   What is left out, and why that suffices. Bodies and context: no rule of a rollout looks at them. More
   nodes: each rule is about one sender, one destination and those who share it, and two of either show
   what one knows and another does not. Time: a report of the census is a fact that a crash or a
   rollback withdraws, as the window does, and a switch of senders that is under way when a report is
   withdrawn is the rule's business, so a receiver rolls back only after the senders did (R-3).
   Connections hold one message at a time.

   The operator follows R-1 to R-3 unless a macro breaks one of them:

     SENDERS_FIRST     senders switch to frames without asking the census            (R-2)
     ONE_SPEAKS        one instance's report counts for all who share the address    (R-2)
     SHARED_EVIDENCE   evidence of one connection is used on another                 (G-4)
     WRONG_ROLLBACK    receivers go back although senders still send frames          (R-3)
     NO_DRAIN          receivers go back before the queue is drained of frames       (R-3)
     LOSES_ON_CRASH    a receiver drops what it takes from the queue when it crashes

   The claims: no frame is read by a receiver that reads bare messages only, and each message that was
   put into the queue is read once, or is still there. With DONE the search looks for a run that ends the
   whole rollout and the way back, so that the rules can be followed at all: there the assertion must
   fail. */

#define SENDERS 2
#define RECEIVERS 2
#define ROOM 2       /* messages in the queue */
#define MOST 3       /* messages of all senders, so that the search ends */

mtype = { bare, framed };

bool reads_both[RECEIVERS];      /* what the running version reads */
bool reported[RECEIVERS];        /* to the census, within its window */
bool up[RECEIVERS];
mtype sends[SENDERS];            /* what senders are switched to */
chan queue = [ROOM] of { mtype };
byte put, taken, upgrades, rollbacks, crashes;
byte framed_in_queue;
bool was_framed;                 /* senders sent frames at some time */
bool evidence[SENDERS];          /* a frame was accepted on this sender's connection */
byte connected[SENDERS];         /* to which receiver, RECEIVERS for none */

#define all_both (reads_both[0] && reads_both[1])
#define any_framed_sender (sends[0] == framed || sends[1] == framed)

#ifdef ONE_SPEAKS
#define ready (reported[0] || reported[1])
#else
#define ready (reported[0] && reported[1])
#endif

#if defined(WRONG_ROLLBACK)
#define may_go_back (true)
#elif defined(NO_DRAIN)
#define may_go_back (!any_framed_sender)
#else
#define may_go_back (!any_framed_sender && framed_in_queue == 0)
#endif

inline read_message(r, dialect) {
    printf("receiver %d is given a %e message\n", r, dialect);
    assert(dialect == bare || reads_both[r]);   /* no frame is read by a bare reader */
}

inline end_connections(r) {
    if
    :: connected[0] == r -> connected[0] = RECEIVERS; evidence[0] = false
    :: else
    fi;
    if
    :: connected[1] == r -> connected[1] = RECEIVERS; evidence[1] = false
    :: else
    fi
}

proctype receiver(byte r) {
    mtype dialect;
    do
    :: atomic { up[r] && queue ? [dialect] ->          /* takes from the queue */
        queue ? dialect;
        if
        :: dialect == framed -> framed_in_queue--
        :: else
        fi;
#ifdef LOSES_ON_CRASH
        if
        :: crashes == 0 -> printf("receiver %d crashes with a message in its hands\n", r);
            crashes++; up[r] = false; reported[r] = false; end_connections(r)
        :: read_message(r, dialect); taken++
        fi
#else
        read_message(r, dialect); taken++
#endif
       }
    :: atomic { up[r] && !reads_both[r] && upgrades < RECEIVERS -> /* a version that reads both */
        printf("receiver %d is upgraded: it reads both\n", r);
        reads_both[r] = true; upgrades++; end_connections(r) }
    :: atomic { up[r] && reads_both[r] && !reported[r] && rollbacks == 0 ->
        printf("receiver %d reports that it reads both\n", r); reported[r] = true }
    :: atomic { up[r] && reads_both[r] && was_framed && may_go_back && rollbacks < RECEIVERS ->
        printf("receiver %d goes back: it reads bare messages only\n", r);
        reads_both[r] = false; reported[r] = false; rollbacks++; end_connections(r) }
    :: atomic { up[r] && crashes == 0 ->                /* a crash: what it had read was read */
        printf("receiver %d crashes\n", r);
        crashes++; up[r] = false; reported[r] = false; end_connections(r) }
    :: atomic { !up[r] -> up[r] = true }
    :: atomic { put == MOST && taken == MOST && rollbacks == RECEIVERS -> break }
    od
}

proctype sender(byte s) {
    byte r;
    do
    :: atomic { put < MOST && nfull(queue) ->           /* into the queue, as it is switched */
        printf("sender %d puts a %e message into the queue\n", s, sends[s]);
        queue ! sends[s]; put++;
        if
        :: sends[s] == framed -> framed_in_queue++; was_framed = true
        :: else
        fi }
    :: atomic { connected[s] == RECEIVERS ->            /* a connection, to either receiver */
        if
        :: up[0] -> connected[s] = 0
        :: up[1] -> connected[s] = 1
        fi;
        printf("sender %d connects to receiver %d\n", s, connected[s]);
        evidence[s] = false }
    :: atomic { connected[s] < RECEIVERS && !evidence[s] && reads_both[connected[s]] ->
        printf("sender %d accepts a frame of receiver %d: evidence\n", s, connected[s]);
        evidence[s] = true }
    :: atomic { connected[s] < RECEIVERS ->             /* a message on the connection, read at once */
        r = connected[s];
        if
        :: sends[s] == framed -> read_message(r, framed)
#ifdef SHARED_EVIDENCE
        :: sends[s] == bare && (evidence[0] || evidence[1]) -> read_message(r, framed)
#else
        :: sends[s] == bare && evidence[s] -> read_message(r, framed)
#endif
        :: sends[s] == bare && !evidence[s]
        fi }
    :: atomic { connected[s] < RECEIVERS ->             /* it hangs up, or crashes */
        connected[s] = RECEIVERS; evidence[s] = false }
#ifdef SENDERS_FIRST
    :: atomic { sends[s] == bare && rollbacks == 0 && !was_framed ->
        printf("sender %d switches to frames\n", s); sends[s] = framed }
#else
    :: atomic { sends[s] == bare && rollbacks == 0 && ready ->
        printf("sender %d switches to frames\n", s); sends[s] = framed }
#endif
    :: atomic { sends[s] == framed && was_framed ->     /* the way back begins here */
        printf("sender %d switches back to bare messages\n", s); sends[s] = bare }
    :: atomic { put == MOST && taken == MOST && rollbacks == RECEIVERS -> break }
    od
}

init {
    atomic {
        byte n = 0;
        do
        :: n < SENDERS -> sends[n] = bare; connected[n] = RECEIVERS; n++
        :: else -> break
        od;
        n = 0;
        do
        :: n < RECEIVERS -> up[n] = true; n++
        :: else -> break
        od;
        run receiver(0); run receiver(1); run sender(0); run sender(1)
    }
    /* What was put is read, or still there: nothing is lost, nothing is read twice. */
    do
    :: atomic { put != taken + len(queue) ->
        printf("%d messages were put, %d taken, and the queue has %d\n", put, taken, len(queue));
        assert(false) }
    :: atomic { put == taken + len(queue) && _nr_pr == 1 -> break }
    od;
#ifdef DONE
    assert(!(put == MOST && taken == MOST && rollbacks == RECEIVERS && was_framed));
#endif
}
