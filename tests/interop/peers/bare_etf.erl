%% A generation 0 peer: Erlang terms, each a record of gen_tcp with {packet, 4}, and no frames. It is
%% frozen: nothing in it is ever changed. Its lines are those of README.md.
%%
%%     bare_etf PATH
-module(bare_etf).
-export([main/1]).

main([Path]) ->
    file:delete(Path),
    {ok, Listening} = gen_tcp:listen(0, [{ifaddr, {local, Path}}, binary, {packet, 4}, {active, false}]),
    spawn(fun() -> accept(Listening) end),
    say(["listening ", Path]),
    obey(1).

accept(Listening) ->
    {ok, Socket} = gen_tcp:accept(Listening),
    Pid = spawn(fun() -> receive go -> hear(Socket) end end),
    ok = gen_tcp:controlling_process(Socket, Pid),
    Pid ! go,
    accept(Listening).

hear(Socket) ->
    case gen_tcp:recv(Socket, 0) of
        {ok, Data} ->
            try binary_to_term(Data, [safe]) of
                _ -> say(["received bare ", hex(Data), " none"])
            catch error:badarg -> say("dropped no-term")
            end,
            hear(Socket);
        {error, _} -> gen_tcp:close(Socket)
    end.

%% Sends a term of its own, whatever body it is given.
obey(Number) ->
    case io:get_line("") of
        eof -> halt(0);
        Line ->
            ["send", Path, "bare", Hex, _] = string:lexemes(Line, " \n"),
            Body = term_to_binary({message, Number, #{text => list_to_binary(Hex)}}),
            {ok, Socket} = gen_tcp:connect({local, Path}, 0, [binary, {packet, 4}]),
            ok = gen_tcp:send(Socket, Body),
            gen_tcp:close(Socket),
            say(["sent ", hex(Body)]),
            obey(Number + 1)
    end.

hex(Data) -> string:lowercase(binary_to_list(binary:encode_hex(Data))).

say(Words) -> io:put_chars([Words, "\n"]).
