/* The rollout of frames in a live fleet (sections 5.4, 6 and 9 of the specification).

   What is modelled. Two receivers stand behind one destination and share its address: a message, or a
   connection, may come to either. Each reads bare messages only, or both dialects, or frames only. The
   deployer upgrades them, and takes them back, in any order that the rules allow, as often as it likes.

   A publisher puts messages into a queue. It makes a message and puts it there in two steps, so one may
   be in its hands while the world changes. The queue keeps its order and outlives its sender. A receiver
   holds what it took until it acknowledges it. If it ends before that, the message is given out again,
   to either receiver, or is gone with a holder that crashed: the one loss that the queue may have.

   A caller sends over a connection to one receiver. A message may be under way in it. The connection ends
   when either side hangs up, crashes or is deployed anew; what is under way then has failed, and the
   caller knows it. A receiver that reads frames may send one to the caller, who reads them, and so has
   evidence on that connection (G-3, G-4).

   Each sender is switched while it runs, and configured for when it starts again. Receivers report to a
   census what they read. A receiver that went back does not: it knows of no census. Its last report
   counts until the window has passed.

   What is left out, and why that suffices. Bodies, ids and context: no rule of a rollout looks at
   them. More nodes: the rules speak of one destination, and two of a kind show what one does and
   another does not. One that is added, and that nobody expects to report, is one whose report is not
   asked for (ONE_SPEAKS). The time that a node is down: to the others it is one that does nothing yet.
   Frames from receivers to the caller on their way: they end with the connection, as the evidence
   does. Answers: they follow the dialect of what they answer (G-5), so no mode decides about them.

   The claims.
     1. No frame is read by a receiver that reads bare messages only.
     2. No message is refused by a receiver that reads frames only: it would be lost.
     3. No bare message is taken for a frame.
     4. From every state the rollout can be gone through to its end, and back to its beginning, and then
        nothing is under way any more. To ask this, the deployer heads one way at any moment. From then
        on nothing new is sent, nothing crashes, and only steps that way are taken. No run may stop
        before all is as it was headed for.

   A macro breaks one rule:
     SENDERS_FIRST       R-2  senders switch without asking the census
     ONE_SPEAKS          R-2  the report of one receiver counts for the address
     STALE_CENSUS        R-2  the census is asked although a receiver went back within the window
     SHARED_EVIDENCE     G-4  evidence outlives its connection
     SENT_AGAIN          G-4  what failed is sent on the next connection as it was made for the last
     MULTIPLEXED         G-4  a frame that came through the queue's broker is evidence
     WRONG_ROLLBACK      R-3  receivers go back before the senders
     NO_DRAIN            R-3  receivers go back before the queue is drained
     UNSENT              R-3  a publisher counts as switched though it has a frame in its hands
     UNACKNOWLEDGED      R-3  the queue counts as drained though messages may be given out again
     UNCONFIGURED        R-3  senders count as switched though they would start as before
     NARROWED_EARLY      M-1  receivers read frames only as soon as no bare message is under way
     NARROW_WHEN_BACK    M-1  senders go back while receivers read frames only
     LOOKALIKE           M-5  a bare message that begins like a frame is sent
     TOO_STRICT          R-2  the census counts only receivers that read frames only
   Two break none. ENDS asks claim 4 of runs that never stop as well: none goes on for ever. Nor is there
   a step of the model that no run takes. DONE looks for a run to the end and back in which a frame is read, so here the assertion must fail. */

/* Where nothing is chosen in a step spin need not look into it, but for a step that is never taken. */
#ifdef ENDS
#define step atomic
#else
#define step d_step
#endif

#define RECEIVERS 2
#define ROOM 2                  /* messages in the queue and in the receivers' hands */
#define PUBLISHER 0
#define CALLER 1
#define NOBODY RECEIVERS
#define name(s) (s == PUBLISHER -> publisher : caller)

mtype = { none, bare, both, framed, lookalike, forth, home, publisher, caller };

mtype reads[RECEIVERS] = bare;
bool reported[RECEIVERS];       /* that it reads frames, within the window */
mtype held[RECEIVERS] = none;   /* what it took from the queue and did not acknowledge */
bool waited = true;             /* a window has passed since a receiver went back */

mtype sends[2] = bare;          /* what a sender is switched to */
mtype configured[2] = bare;     /* what it sends when it starts again */
mtype made = none;              /* in the publisher's hands */
chan queue = [ROOM] of { mtype };
byte joined = NOBODY;           /* the receiver at the other end of the caller's connection */
mtype under_way = none;         /* on that connection */
bool evidence;                  /* a frame was accepted on it */
mtype heading = none;           /* the deployer's, once it is set */
bool over;                      /* all is as it was headed for */
#ifdef MULTIPLEXED
bool hearsay;                   /* a frame came to the publisher through the broker */
#else
#define hearsay false
#endif
#ifdef DONE
bool was_read;                  /* a frame */
bool got_there;                 /* receivers read frames only */
#endif

#define forward (heading != home)
#define backward (heading != forth)
#define on_course (heading == none)

/* R-2, with a receiver that went back before and is still counted. */
#ifdef STALE_CENSUS
#define believed true
#else
#define believed waited
#endif
#ifdef TOO_STRICT
#define may_report(r) (reads[r] == framed)
#else
#define may_report(r) (reads[r] != bare)
#endif
#if defined(SENDERS_FIRST)
#define ready true
#elif defined(ONE_SPEAKS)
#define ready (believed && (reported[0] || reported[1]))
#else
#define ready (believed && reported[0] && reported[1])
#endif

#define all_send(dialect) (sends[0] == dialect && sends[1] == dialect)
#define all_start_with(dialect) (configured[0] == dialect && configured[1] == dialect)
#define settled_on(dialect) (all_send(dialect) && all_start_with(dialect))

/* R-3 */
#ifdef UNCONFIGURED
#define stopped all_send(bare)
#else
#define stopped settled_on(bare)
#endif
#ifdef UNSENT
#define in_hands(dialect) false
#else
#define in_hands(dialect) (made == dialect)
#endif
#ifdef UNACKNOWLEDGED
#define unacknowledged(dialect) false
#else
#define unacknowledged(dialect) (held[0] == dialect || held[1] == dialect)
#endif
#define drained(dialect) \
    (!(queue ?? [dialect]) && !in_hands(dialect) && !unacknowledged(dialect))

#if defined(WRONG_ROLLBACK)
#define may_go_back true
#elif defined(NO_DRAIN)
#define may_go_back stopped
#else
#define may_go_back (stopped && drained(framed))
#endif

/* Mode both is dropped, and must be back before a sender sends bare messages again. */
#ifdef NARROWED_EARLY
#define may_narrow drained(bare)
#else
#define may_narrow (settled_on(framed) && drained(bare))
#endif
#ifdef NARROW_WHEN_BACK
#define may_send_bare true
#else
#define may_send_bare (reads[0] != framed && reads[1] != framed)
#endif

#define nothing_moves (empty(queue) && made == none && under_way == none \
    && held[0] == none && held[1] == none)
#define at_the_end (settled_on(framed) && reads[0] == framed && reads[1] == framed && nothing_moves)
#define at_the_beginning (settled_on(bare) && reads[0] == bare && reads[1] == bare && nothing_moves)

inline read(r, message) {
    printf("receiver %d, which reads %e, is given a %e message\n", r, reads[r], message);
    if
    :: message == framed && reads[r] == bare -> printf("found: a frame at a bare reader\n");
        assert(false)
    :: message == bare && reads[r] == framed -> printf("found: a message is lost\n");
        assert(false)
    :: message == lookalike && reads[r] != bare -> printf("found: a message is misread\n");
        assert(false)
    :: else
    fi
#ifdef DONE
    ; was_read = was_read || message == framed
#endif
}

inline disconnect() {
    joined = NOBODY;
#ifndef SHARED_EVIDENCE
    evidence = false;
#endif
#ifndef SENT_AGAIN
    under_way = none
#endif
}

inline end_connection(r) {
    if
    :: joined == r -> disconnect()
    :: else
    fi
}

/* A receiver's process ends. */
inline stop(r) {
    end_connection(r);
    if
    :: held[r] != none -> printf("what receiver %d held is given out again\n", r);
        queue ! held[r]; held[r] = none
    :: else
    fi
}

proctype receiver(byte r) {
end:
    do
    :: step { held[r] == none && nempty(queue) ->
        queue ? held[r]; read(r, held[r]) }
    :: step { held[r] != none ->
        printf("receiver %d acknowledges it\n", r); held[r] = none }
    :: step { on_course -> printf("receiver %d crashes\n", r); stop(r) }
    :: step { on_course && held[r] != none ->
        printf("receiver %d crashes, and what it held is gone\n", r); held[r] = none;
        end_connection(r) }
    :: step { forward && may_report(r) && !reported[r] ->
        printf("receiver %d reports that it reads frames\n", r); reported[r] = true }
    :: step { on_course && reported[r] ->
        printf("the report of receiver %d is too old\n", r); reported[r] = false }
    od
}

proctype publishing() {
end:
    do
    :: atomic { on_course && made == none ->
        if
        :: sends[PUBLISHER] == framed || hearsay -> made = framed
        :: sends[PUBLISHER] == bare && !hearsay -> made = bare
#ifdef LOOKALIKE
        :: sends[PUBLISHER] == bare -> made = lookalike
#endif
        fi;
        printf("the publisher makes a %e message\n", made) }
    :: step { made != none && len(queue) + (held[0] != none) + (held[1] != none) < ROOM ->
        printf("the publisher puts it into the queue\n"); queue ! made; made = none }
    :: step { on_course ->
        printf("the publisher crashes and starts again\n");
        made = none; sends[PUBLISHER] = configured[PUBLISHER] }
#ifdef MULTIPLEXED
    :: step { on_course && (reads[0] != bare || reads[1] != bare) && !hearsay ->
        printf("a frame comes to the publisher through the broker\n"); hearsay = true }
#endif
    od
}

proctype calling() {
end:
    do
    :: atomic { joined == NOBODY && (on_course || under_way != none) ->
        if
        :: joined = 0
        :: joined = 1
        fi;
        printf("the caller connects to receiver %d\n", joined) }
    :: step { joined != NOBODY && reads[joined] != bare && !evidence && on_course ->
        printf("the caller accepts a frame of receiver %d\n", joined); evidence = true }
    :: step { on_course && joined != NOBODY && under_way == none ->
        if
        :: sends[CALLER] == framed || evidence -> under_way = framed
        :: sends[CALLER] == bare && !evidence -> under_way = bare
        fi;
        printf("the caller sends a %e message\n", under_way) }
    :: step { joined != NOBODY && under_way != none ->
        read(joined, under_way); under_way = none }
    :: step { on_course && joined != NOBODY -> printf("the caller hangs up\n"); disconnect() }
    :: step { on_course -> printf("the caller crashes and starts again\n");
        disconnect(); sends[CALLER] = configured[CALLER] }
    od
}

inline deploy(r, mode) {
    printf("receiver %d is deployed anew: it reads %e\n", r, mode); stop(r); reads[r] = mode
}

inline switch(s, dialect) {
    printf("the %e is switched to %e\n", name(s), dialect);
    sends[s] = dialect
}

proctype deployment(byte r) {
end:
    do
    :: step { forward && reads[r] == bare -> deploy(r, both) }
    :: step { forward && reads[r] == both && may_narrow -> deploy(r, framed) }
    :: step { backward && reads[r] == framed -> deploy(r, both) }
    :: step { backward && reads[r] == both && may_go_back ->
        deploy(r, bare); waited = false }
    od
}

proctype switching(byte s) {
end:
    do
    :: step { forward && sends[s] == bare && ready -> switch(s, framed) }
    :: step { backward && sends[s] == framed && may_send_bare -> switch(s, bare) }
    :: step { configured[s] != sends[s] ->
        printf("the %e is configured so\n", name(s));
        configured[s] = sends[s] }
    od
}

proctype deployer() {
    do
    :: step { !waited -> printf("a window passes\n");
        waited = true;
        if
        :: reads[0] == bare -> reported[0] = false
        :: else
        fi;
        if
        :: reads[1] == bare -> reported[1] = false
        :: else
        fi }
    :: step { on_course -> heading = forth; printf("from here on all goes forth\n") }
    :: step { on_course -> heading = home; printf("from here on all goes home\n") }
#ifdef DONE
    :: step { on_course && was_read && !got_there && at_the_end -> got_there = true }
    :: step { heading == home && at_the_beginning && got_there ->
        printf("found: a run to the end and back\n"); assert(false) }
#endif
    :: atomic { heading == forth && at_the_end -> over = true; break }
    :: atomic { heading == home && at_the_beginning -> over = true; break }
    od
}

init {
    atomic {
        run receiver(0); run receiver(1); run deployment(0); run deployment(1);
        run publishing(); run switching(PUBLISHER); run calling(); run switching(CALLER);
        run deployer()
    }
}

#ifdef ENDS
ltl ends { [] (heading != none -> <> over) }
#endif
