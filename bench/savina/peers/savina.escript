#!/usr/bin/env escript
%%! -smp enable +P 2000000
%% The programs of `bench savina` in Erlang. Arguments: PROGRAM ACTORS ITEMS. Prints one line of JSON:
%% {"seconds": wall time, "seen": {...}}, which whoever started it checks.
-mode(compile).

-define(BURST, 1000).
-define(OPENING, 1000).
-define(KEYS, 512).

main([Program, Actors, Items]) ->
    A = list_to_integer(Actors),
    N = list_to_integer(Items),
    run(Program, A, max(1, N div 20)),
    From = erlang:monotonic_time(microsecond),
    Seen = run(Program, A, N),
    Micros = erlang:monotonic_time(microsecond) - From,
    Pairs = [io_lib:format("\"~s\":~b", [K, V]) || {K, V} <- Seen],
    io:format("{\"seconds\":~.6f,\"seen\":{~s}}~n", [Micros / 1.0e6, lists:join(",", Pairs)]).

run("pingpong", _, N) ->
    Pong = spawn(fun() -> pong(0) end),
    Pongs = ping(Pong, N, 0),
    Pong ! {count, self()},
    receive {pings, Pings} -> [{pings, Pings}, {pongs, Pongs}] end;
run("counting", _, N) ->
    Counter = spawn(fun() -> counter(0) end),
    produce(Counter, N),
    Counter ! {retrieve, self()},
    receive {total, C} -> [{counted, C}] end;
run("create", A, _) ->
    Self = self(),
    Table = counters:new(1, [atomics]),
    create(A, Table, Self),
    [{created, A}, {received, counters:get(Table, 1)}];
run("fork-join", A, N) ->
    Workers = [spawn(fun() -> joiner(0) end) || _ <- lists:seq(1, A)],
    fork(Workers, N),
    [W ! {'end', self()} || W <- Workers],
    Received = [receive {joined, R} -> R end || _ <- Workers],
    [{workers, length(Received)}, {received, lists:sum(Received)}];
run("ring", A, N) ->
    Self = self(),
    All = [spawn(fun() -> receive {next, P} -> member(P, 0, A, Self) end end) || _ <- lists:seq(1, A)],
    link_ring(All, hd(All)),
    hd(All) ! {token, N},
    receive {hops, H} -> [{hops, H}] end;
run("chameneos", A, N) ->
    Self = self(),
    All = [spawn(fun() -> creature(Self, I rem 3, 0) end) || I <- lists:seq(0, A - 1)],
    [C ! start || C <- All],
    mall(A, N, 0, 0, none);
run("big", A, N) ->
    Self = self(),
    All = [spawn(fun() -> receive {start, T} -> big_ping(T, A, Self, N, 0, 0, I * 7919 + 7) end end)
           || I <- lists:seq(1, A)],
    Tuple = list_to_tuple(All),
    [P ! {start, Tuple} || P <- All],
    [receive done -> ok end || _ <- All],
    [P ! report || P <- All],
    Counts = [receive {counts, Pings, Pongs} -> {Pings, Pongs} end || _ <- All],
    [{actors, length(Counts)}, {pings, lists:sum([P || {P, _} <- Counts])}, {pongs, lists:sum([P || {_, P} <- Counts])}];
run("bank", A, N) ->
    Self = self(),
    All = list_to_tuple([spawn(fun() -> account(Self, ?OPENING) end) || _ <- lists:seq(1, A)]),
    First = min(?BURST, N),
    Seed = transfers(All, A, First, 7),
    Done = teller(All, A, N - First, N, 0, Seed),
    [P ! balance || P <- tuple_to_list(All)],
    Told = [receive {balance, B} -> B end || _ <- lists:seq(1, A)],
    [{transactions, Done}, {balance, lists:sum(Told)}];
run("dictionary", A, N) ->
    Self = self(),
    _ = [spawn(fun() -> worker(Self, N, 0, 0, 0, I * 7919 + 7) end) || I <- lists:seq(1, A)],
    dictionary(A, #{}, 0, 0, 0, 0);
run("philosophers", A, N) ->
    Self = self(),
    _ = [spawn(fun() -> philosopher(Self, S, N, 0) end) || S <- lists:seq(0, A - 1)],
    table(A, 0, 0, 0, #{}, #{}).

random(Seed, Below) ->
    Next = (Seed * 1664525 + 1013904223) band 16#FFFFFFFF,
    {(Next bsr 8) rem Below, Next}.

pong(N) ->
    receive
        {ping, From} -> From ! pong, pong(N + 1);
        {count, From} -> From ! {pings, N}
    end.

ping(_, N, N) -> N;
ping(Pong, N, C) ->
    Pong ! {ping, self()},
    receive pong -> ping(Pong, N, C + 1) end.

counter(C) ->
    receive
        increment -> counter(C + 1);
        {mark, From} -> From ! go, counter(C);
        {retrieve, From} -> From ! {total, C}
    end.

produce(_, 0) -> ok;
produce(Counter, N) ->
    Now = min(?BURST, N),
    burst(Counter, increment, Now),
    Counter ! {mark, self()},
    receive go -> produce(Counter, N - Now) end.

burst(_, _, 0) -> ok;
burst(To, Message, N) -> To ! Message, burst(To, Message, N - 1).

create(0, _, _) -> ok;
create(Left, Table, Self) ->
    Now = min(?BURST, Left),
    [spawn(fun() -> greeted(Table) end) ! {hello, none} || _ <- lists:seq(2, Now)],
    spawn(fun() -> greeted(Table) end) ! {hello, Self},
    receive go -> ok end,
    wait_for(Table, Left, Now, Self),
    create(Left - Now, Table, Self).

%% Several schedulers serve a burst in any order: only the last burst has to be complete.
wait_for(Table, Left, Now, _) when Left =:= Now -> settle(Table, counters:get(Table, 1));
wait_for(_, _, _, _) -> ok.

settle(Table, Before) ->
    timer:sleep(1),
    case counters:get(Table, 1) of
        Before -> ok;
        More -> settle(Table, More)
    end.

greeted(Table) ->
    receive
        {hello, none} -> counters:add(Table, 1, 1), greeted(Table);
        {hello, From} -> counters:add(Table, 1, 1), From ! go, greeted(Table)
    end.

joiner(C) ->
    receive
        job -> joiner(C + 1);
        {mark, From} -> From ! marked, joiner(C);
        {'end', From} -> From ! {joined, C}
    end.

fork(_, 0) -> ok;
fork(Workers, N) ->
    Now = min(?BURST, N),
    jobs(Workers, Now),
    [W ! {mark, self()} || W <- Workers],
    [receive marked -> ok end || _ <- Workers],
    fork(Workers, N - Now).

jobs(_, 0) -> ok;
jobs(Workers, N) -> [W ! job || W <- Workers], jobs(Workers, N - 1).

link_ring([Last], First) -> Last ! {next, First};
link_ring([One, Next | Rest], First) -> One ! {next, Next}, link_ring([Next | Rest], First).

member(Next, Hops, A, Main) ->
    receive
        {token, 1} -> Next ! {sum, 0, 1}, member(Next, Hops + 1, A, Main);
        {token, Left} -> Next ! {token, Left - 1}, member(Next, Hops + 1, A, Main);
        {sum, Sum, A} -> Main ! {hops, Sum + Hops};
        {sum, Sum, Asked} -> Next ! {sum, Sum + Hops, Asked + 1}, member(Next, Hops, A, Main)
    end.

creature(Mall, Colour, Met) ->
    receive
        start -> Mall ! {meet, Colour, self()}, creature(Mall, Colour, Met);
        {change, New} -> Mall ! {meet, New, self()}, creature(Mall, New, Met + 1);
        exit -> Mall ! {count, Met}
    end.

complement(C, C) -> C;
complement(A, B) -> 3 - A - B.

mall(0, _, Meetings, Met, _) -> [{meetings, Meetings}, {met, Met}];
mall(Left, N, Meetings, Met, Waiting) ->
    receive
        {count, C} -> mall(Left - 1, N, Meetings, Met + C, Waiting);
        {meet, _, From} when Meetings =:= N -> From ! exit, mall(Left, N, Meetings, Met, Waiting);
        {meet, Colour, From} ->
            case Waiting of
                none -> mall(Left, N, Meetings, Met, {Colour, From});
                {Other, First} ->
                    Both = complement(Other, Colour),
                    First ! {change, Both},
                    From ! {change, Both},
                    mall(Left, N, Meetings + 1, Met, none)
            end
    end.

big_ping(All, A, Sink, N, Pings, Pongs, Seed) ->
    {R, Next} = random(Seed, A),
    element(R + 1, All) ! {ping, self()},
    big(All, A, Sink, N, Pings, Pongs, Next).

big(All, A, Sink, N, Pings, Pongs, Seed) ->
    receive
        {ping, From} -> From ! pong, big(All, A, Sink, N, Pings + 1, Pongs, Seed);
        pong when Pongs + 1 =:= N -> Sink ! done, big(All, A, Sink, N, Pings, Pongs + 1, Seed);
        pong -> big_ping(All, A, Sink, N, Pings, Pongs + 1, Seed);
        report -> Sink ! {counts, Pings, Pongs}
    end.

transfers(_, _, 0, Seed) -> Seed;
transfers(All, A, N, Seed) -> transfers(All, A, N - 1, transfer(All, A, Seed)).

transfer(All, A, Seed) ->
    {From, S1} = random(Seed, A),
    {Other, S2} = random(S1, A - 1),
    {Amount, S3} = random(S2, 100),
    element(From + 1, All) ! {transfer, Amount + 1, element((From + 1 + Other) rem A + 1, All)},
    S3.

teller(_, _, _, N, N, _) -> N;
teller(All, A, Left, N, Done, Seed) ->
    receive
        done when Left > 0 -> teller(All, A, Left - 1, N, Done + 1, transfer(All, A, Seed));
        done -> teller(All, A, 0, N, Done + 1, Seed)
    end.

account(Teller, Amount) ->
    receive
        {transfer, Sum, To} -> To ! {deposit, Sum, self()}, waiting(Teller, Amount - Sum);
        {deposit, Sum, From} -> From ! deposited, account(Teller, Amount + Sum);
        balance -> Teller ! {balance, Amount}
    end.

waiting(Teller, Amount) ->
    receive
        {deposit, Sum, From} -> From ! deposited, waiting(Teller, Amount + Sum);
        deposited -> Teller ! done, account(Teller, Amount)
    end.

worker(Table, N, N, _, Wrong, _) -> Table ! {exit, Wrong};
worker(Table, N, Asked, _, Wrong, Seed) ->
    {Key, Next} = random(Seed, ?KEYS),
    case (Asked + 1) rem 10 of
        0 -> Table ! {write, Key, Key * 31 + 7, self()};
        _ -> Table ! {read, Key, self()}
    end,
    Right = Key * 31 + 7,
    receive
        {value, V} when V =:= Right; V =:= -1 -> worker(Table, N, Asked + 1, Key, Wrong, Next);
        {value, _} -> worker(Table, N, Asked + 1, Key, Wrong + 1, Next)
    end.

dictionary(0, _, Reads, Writes, Wrong, Gone) -> [{workers, Gone}, {reads, Reads}, {writes, Writes}, {wrong, Wrong}];
dictionary(Left, Values, Reads, Writes, Wrong, Gone) ->
    receive
        {read, Key, From} ->
            From ! {value, maps:get(Key, Values, -1)},
            dictionary(Left, Values, Reads + 1, Writes, Wrong, Gone);
        {write, Key, Value, From} ->
            From ! {value, Value},
            dictionary(Left, Values#{Key => Value}, Reads, Writes + 1, Wrong, Gone);
        {exit, W} -> dictionary(Left - 1, Values, Reads, Writes, Wrong + W, Gone + 1)
    end.

philosopher(Table, _, N, N) -> Table ! {exit, N};
philosopher(Table, Seat, N, Eaten) ->
    Table ! {hungry, Seat, self()},
    receive eat -> Table ! {done, Seat}, philosopher(Table, Seat, N, Eaten + 1) end.

table(A, Meals, A, Clashes, _, _) -> [{meals, Meals}, {philosophers, A}, {clashes, Clashes}];
table(A, Meals, Gone, Clashes, Taken, Hungry) ->
    receive
        {hungry, Seat, From} ->
            {T, H} = serve(A, Seat, Taken, Hungry#{Seat => From}),
            table(A, Meals, Gone, Clashes, T, H);
        {done, Seat} ->
            Right = (Seat + 1) rem A,
            Wrong = case Taken of #{Seat := _, Right := _} -> 0; _ -> 1 end,
            Free = maps:remove(Seat, maps:remove(Right, Taken)),
            {T1, H1} = serve(A, (Seat + A - 1) rem A, Free, Hungry),
            {T2, H2} = serve(A, Right, T1, H1),
            table(A, Meals, Gone, Clashes + Wrong, T2, H2);
        {exit, M} -> table(A, Meals + M, Gone + 1, Clashes, Taken, Hungry)
    end.

serve(A, Seat, Taken, Hungry) ->
    Right = (Seat + 1) rem A,
    case {Hungry, Taken} of
        {_, #{Seat := _}} -> {Taken, Hungry};
        {_, #{Right := _}} -> {Taken, Hungry};
        {#{Seat := From}, _} -> From ! eat, {Taken#{Seat => true, Right => true}, maps:remove(Seat, Hungry)};
        _ -> {Taken, Hungry}
    end.
