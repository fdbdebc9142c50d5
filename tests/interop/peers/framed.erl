%% A generation 1 peer over gen_tcp with {packet, 4}, and a codec testee. It is frozen: nothing in it is
%% ever changed. It knows the base frame and the kinds 0 to 2, accepts a fifth element and ignores it,
%% and drops other kinds. Lines on stdin and stdout are those of README.md and of spec/testee.md.
%%
%%     framed peer PATH
%%     framed testee
-module(framed).
-export([main/1]).

-define(TAG, 16#D9, 16#D4, 16#F7).

main(["testee"]) -> ask();
main(["peer", Path]) ->
    file:delete(Path),
    {ok, Listening} = gen_tcp:listen(0, [{ifaddr, {local, Path}}, binary, {packet, 4}, {active, false}]),
    spawn(fun() -> accept(Listening) end),
    say(["listening ", Path]),
    obey().

accept(Listening) ->
    {ok, Socket} = gen_tcp:accept(Listening),
    Pid = spawn(fun() -> receive go -> hear(Socket) end end),
    ok = gen_tcp:controlling_process(Socket, Pid),
    Pid ! go,
    accept(Listening).

hear(Socket) ->
    case gen_tcp:recv(Socket, 0) of
        {ok, <<?TAG, Head, _/binary>> = Data} when Head =:= 16#84; Head =:= 16#85 ->
            heard(Socket, read(Data)),
            hear(Socket);
        {ok, Bare} ->
            say(["received bare ", hex(Bare), " none"]),
            hear(Socket);
        {error, _} -> gen_tcp:close(Socket)
    end.

heard(_, {2, _, _, Payload, _}) -> say(["received framed ", hex(Payload), " ignored"]);
heard(Socket, {0, Id, {text, <<"tracewire.echo">>}, Payload, _}) ->
    gen_tcp:send(Socket, write(1, Id, 0, Payload));
heard(Socket, {0, Id, _, _, _}) -> gen_tcp:send(Socket, write(1, Id, 12, <<>>));
heard(_, {1, _, _, _, _}) -> ok;
heard(_, {Kind, _, _, _, _}) -> say(["dropped kind-", integer_to_list(Kind)]);
heard(_, {invalid, Rule, _}) -> say(["dropped ", Rule]).

obey() ->
    case io:get_line("") of
        eof -> halt(0);
        Line ->
            ["send", Path, Dialect, Hex, _] = string:lexemes(Line, " \n"),
            Body = unhex(Hex),
            Message = case Dialect of "framed" -> write(2, 0, {text, <<>>}, Body); "bare" -> Body end,
            {ok, Socket} = gen_tcp:connect({local, Path}, 0, [binary, {packet, 4}]),
            ok = gen_tcp:send(Socket, Message),
            gen_tcp:close(Socket),
            say(["sent ", hex(Body)]),
            obey()
    end.

%% The testee.

ask() ->
    case io:get_line("") of
        eof -> halt(0);
        Line -> say(answer(string:lexemes(Line, " \n"))), ask()
    end.

answer(["hello"]) -> "testee 1 1 erlang";
answer(["decode", Hex]) ->
    case read(unhex(Hex)) of
        {invalid, Rule, Offset} -> ["invalid ", Rule, " ", integer_to_list(Offset)];
        {Kind, Id, Target, Payload, Rest} ->
            Numbers = [[integer_to_list(N), " "] || N <- [Kind, Id]],
            ["valid ", Numbers, name(Target), " ", hex(Payload), case Rest of <<>> -> " -"; _ -> " +" end]
    end;
answer(["encode", Kind, Id, Target, Hex, "undecided", "-", "-"]) ->
    Name = case Target of [$t | Text] -> {text, unhex(Text)}; _ -> list_to_integer(Target) end,
    Data = write(list_to_integer(Kind), list_to_integer(Id), Name, unhex(Hex)),
    case read(Data) of
        {invalid, Rule, _} -> ["refused ", Rule];
        _ -> ["frame ", hex(Data)]
    end;
answer(_) -> "unsupported".

name({text, Text}) -> [$t | [C || C <- hex(Text), C =/= $-]];
name(Number) -> integer_to_list(Number).

%% Frames: {Kind, Id, Target, Payload, Rest}, or {invalid, Rule, Offset}. Of the fifth element nothing
%% is judged.

read(Data) ->
    try frame(Data) catch throw:{Rule, Offset} -> {invalid, Rule, Offset} end.

frame(Data) ->
    tag(Data, [?TAG], 0),
    {Major, Length, At1} = head(Data, 3),
    need(Major =:= 4 andalso (Length =:= 4 orelse Length =:= 5), "F-6", 3),
    {Kind, At2} = uint(Data, At1, "F-7", 16#FFFF),
    {Id, At3} = uint(Data, At2, "F-8", 16#FFFFFFFF),
    need(not (lists:member(Kind, [0, 1, 5, 6, 7]) andalso Id =:= 0), "F-9", At2),
    need(not (lists:member(Kind, [2, 3, 4]) andalso Id =/= 0), "F-10", At2),
    {Target, At4} = target(Kind, Data, At3),
    {Payload, At5} = string(2, Data, At4, "F-17", 0, infinity),
    <<_:At5/binary, Rest/binary>> = Data,
    need(Length =:= 5 orelse Rest =:= <<>>, "F-18", At5),
    {Kind, Id, Target, Payload, Rest}.

tag(_, [], _) -> ok;
tag(Data, [Byte | More], At) ->
    need(At < byte_size(Data), "F-1", byte_size(Data)),
    need(binary:at(Data, At) =:= Byte, "F-5", 0),
    tag(Data, More, At + 1).

target(0, Data, At) -> text(Data, At, "F-11", 1);
target(2, Data, At) -> text(Data, At, "F-12", 0);
target(1, Data, At) -> uint(Data, At, "F-13", 16#FFFFFFFF);
target(Kind, Data, At) when Kind < 8 -> uint(Data, At, "F-14", 0);
target(_, Data, At) ->
    case head(Data, At) of
        {3, _, _} -> text(Data, At, "F-15", 0);
        _ -> uint(Data, At, "F-15", 16#FFFFFFFF)
    end.

uint(Data, At, Rule, Most) ->
    {Major, Argument, Next} = head(Data, At),
    need(Major =:= 0 andalso Argument =< Most, Rule, At),
    {Argument, Next}.

text(Data, At, Rule, Least) ->
    {Content, Next} = string(3, Data, At, Rule, Least, 255),
    need(is_list(unicode:characters_to_list(Content)), "F-16", At),
    {{text, Content}, Next}.

string(Wanted, Data, At, Rule, Least, Most) ->
    {Major, Length, Next} = head(Data, At),
    need(Major =:= Wanted andalso Length >= Least andalso Length =< Most, Rule, At),
    need(Length =< byte_size(Data) - Next, "F-1", byte_size(Data)),
    {binary:part(Data, Next, Length), Next + Length}.

head(Data, At) ->
    need(At < byte_size(Data), "F-1", byte_size(Data)),
    <<_:At/binary, Major:3, Info:5, Rest/binary>> = Data,
    String = lists:member(Major, [2, 3, 4, 5]),
    need(Info < 28 orelse (Info =:= 31 andalso String), "F-2", At),
    need(Info < 28, "F-3", At),
    Size = case Info < 24 of true -> 0; false -> 1 bsl (Info - 24) end,
    need(byte_size(Rest) >= Size, "F-1", byte_size(Data)),
    <<Number:Size/unit:8, _/binary>> = Rest,
    Argument = case Size of 0 -> Info; _ -> Number end,
    need(Major =/= 7 orelse Size =/= 1 orelse Argument >= 32, "F-2", At),
    Least = case Size of 0 -> 0; 1 -> 24; _ -> 1 bsl (4 * Size) end,
    need(Major =:= 7 orelse Argument >= Least, "F-4", At),
    {Major, Argument, At + 1 + Size}.

need(true, _, _) -> ok;
need(false, Rule, Offset) -> throw({Rule, Offset}).

write(Kind, Id, Target, Payload) ->
    Name = case Target of
        {text, Text} -> [number(3, byte_size(Text)), Text];
        Number -> number(Number)
    end,
    iolist_to_binary([<<?TAG, 16#84>>, number(Kind), number(Id), Name, number(2, byte_size(Payload)), Payload]).

number(N) when N < 0 -> number(1, -1 - N);
number(N) -> number(0, N).

number(Major, N) when N < 24 -> <<Major:3, N:5>>;
number(Major, N) when N < 16#100 -> <<Major:3, 24:5, N>>;
number(Major, N) when N < 16#10000 -> <<Major:3, 25:5, N:16>>;
number(Major, N) when N < 16#100000000 -> <<Major:3, 26:5, N:32>>;
number(Major, N) -> <<Major:3, 27:5, N:64>>.

hex(<<>>) -> "-";
hex(Data) -> string:lowercase(binary_to_list(binary:encode_hex(Data))).

unhex("-") -> <<>>;
unhex(Text) -> binary:decode_hex(list_to_binary(Text)).

say(Words) -> io:put_chars([Words, "\n"]).
