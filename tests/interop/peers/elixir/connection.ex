defmodule Tw.Connection do
  @moduledoc """
  A connection is one process: it reads, writes and keeps the state of section 7.11. After each message it
  starts handlers, admits what waits and writes, so that all input at hand was read before (C-80).

  The socket is read without waiting (`:nowait`), as bytes: when a record begins is known (C-24, C-26), and
  nothing is taken for what a prefix announces (C-34).
  """
  alias Tw.{Calls, Incoming, Outgoing, Own, Stream}

  @linger_ms 5_000
  @discard_ms 1_000
  # Read at most so much before handlers start and results are written, or who sends without end is all
  # that this process does.
  @at_once 1_048_576

  defstruct socket: nil,
            role: :acceptor,
            mode: :framed,
            config: nil,
            state: :open,
            stream: %Stream{},
            out: %Outgoing{},
            record_timer: false,
            ticked: nil,
            shut: false,
            # What was said and read.
            accepted: false,
            hello_sent: false,
            hello: nil,
            peer_max: Tw.Bodies.max_frame(),
            goaway_sent: false,
            goaway_unsaid: false,
            goaway_read: nil,
            highest: 0,
            requests: 0,
            cancels: 0,
            invalid: 0,
            pinged: nil,
            strikes: 0,
            counted: %{},
            # Calls of the peer, and what may not start yet.
            calls: %{},
            running: %{},
            queue: :queue.new(),
            queued: 0,
            # Calls of this side: by id, and by reference.
            own: %{},
            mine: %{},
            next_id: 1

  @doc "A process for a socket, which it comes to own."
  def start(socket, role, config) do
    pid =
      spawn(fn ->
        receive do
          :begin -> begin(socket, role, config)
        end
      end)

    :socket.setopt(socket, {:otp, :controlling_process}, pid)
    send(pid, :begin)
    pid
  end

  defp begin(socket, role, config) do
    :socket.setopt(socket, {:otp, :rcvbuf}, 65_536)
    c = %__MODULE__{socket: socket, role: role, mode: config.mode, config: config}
    c = %{c | stream: %Stream{max: Tw.Bodies.max_frame()}, ticked: now()}
    timer(1_000, :tick)
    # A connector that is configured to send frames says its hello at once (C-35).
    c = if role == :connector and c.mode == :framed, do: say_hello(c), else: c
    c |> read(@at_once) |> settle() |> loop()
  end

  defp loop(%{state: :closed} = c), do: c

  defp loop(c) do
    c =
      receive do
        message -> on(message, c)
      end

    c |> settle() |> loop()
  end

  defp on({:"$socket", _, :select, ref}, c) do
    case c.out.selecting do
      {:select_info, _, ^ref} -> %{c | out: %{c.out | selecting: nil}}
      _ -> read(c, @at_once)
    end
  end

  defp on({:"$socket", _, :abort, _}, c), do: close(c)
  defp on(:read_more, c), do: read(c, @at_once)
  defp on({:DOWN, monitor, :process, _, reason}, c), do: Calls.ended(c, monitor, reason)
  defp on({:timeout, _, {:expire, id, unique}}, c), do: Calls.expire(c, id, unique)
  defp on({:timeout, _, {:give_up, reference}}, c), do: Own.expire(c, reference)
  defp on({:timeout, _, :record}, c), do: record_time(%{c | record_timer: false})
  defp on({:timeout, _, :tick}, c), do: tick(c)
  defp on({:timeout, _, :unsaid}, c), do: %{c | goaway_unsaid: false}
  defp on({:timeout, _, state}, %{state: state} = c), do: close(c)
  defp on({:timeout, _, _}, c), do: c
  defp on(:drain, c), do: drain(c)
  defp on({:own, order}, c), do: Own.order(c, order)

  # Reading.

  defp read(%{state: state} = c, _) when state in [:finishing, :closed], do: c

  defp read(c, left) when left <= 0 do
    send(self(), :read_more)
    c
  end

  defp read(c, left) do
    case :socket.recv(c.socket, 0, [], :nowait) do
      {:ok, data} -> c |> arrived(data) |> read(left - byte_size(data))
      {:select, {{:select_info, _, _}, data}} -> arrived(c, data)
      {:select, _} -> c
      {:error, :closed} -> end_of_input(c)
      {:error, _} -> close(c)
    end
  end

  defp arrived(%{state: :failed} = c, _), do: c

  defp arrived(c, data) do
    now = now()
    {records, stream} = Stream.feed(c.stream, data, now)
    %{c | stream: stream} |> each(records, now) |> watch_record()
  end

  defp each(c, [], _), do: c
  defp each(%{state: state} = c, _, _) when state in [:failed, :closed], do: c

  defp each(c, [:too_long | _], _),
    do: error(c, 8, "a record is longer than #{c.stream.max} bytes")

  defp each(c, [{bytes, since} | rest], now),
    do: c |> Incoming.record(bytes, since, now) |> each(rest, now)

  defp watch_record(%{record_timer: false, stream: %{since: since}} = c) when since != nil do
    timer(max(0, div(since - now(), 1_000) + c.config.record_ms + 1), :record)
    %{c | record_timer: true}
  end

  defp watch_record(c), do: c

  defp record_time(%{stream: %{since: since}} = c) do
    if since != nil and c.state != :failed and now() - since >= c.config.record_ms * 1_000,
      do: error(c, 8, "a record is not whole after #{c.config.record_ms} ms"),
      else: watch_record(c)
  end

  defp end_of_input(c) do
    c = if Stream.inside(c.stream), do: count(c, "input ends inside a record"), else: c

    case c.state do
      state when state in [:open, :draining, :leaving] -> %{Own.fail_all(c) | state: :finishing}
      _ -> close(c)
    end
  end

  # Writing.

  @doc "A frame that does not wait for room. More of these than the peer takes are a connection error (C-84)."
  def say(c, frame) do
    c = %{c | out: Outgoing.free(c.out, frame)}
    if Outgoing.too_much_free?(c.out), do: c |> flush() |> judge_free(), else: c
  end

  defp judge_free(c) do
    if Outgoing.too_much_free?(c.out) and c.state not in [:failed, :closed],
      do: error(c, 8, "too much is asked for that may not wait"),
      else: c
  end

  def say_hello(%{hello_sent: true} = c), do: c

  def say_hello(c) do
    say(%{c | hello_sent: true}, Tw.Write.plain(3, 0, 0, Tw.Bodies.hello()))
  end

  defp settle(%{state: :closed} = c), do: c

  defp settle(c) do
    c |> Calls.start() |> admit(0) |> flush() |> next_state()
  end

  defp admit(c, n) do
    case Outgoing.next(c.out, n) do
      nil -> c
      {{:result, id}, out} -> %{c | out: out} |> Calls.admitted(id) |> admit(n + 1)
      {{:own, reference}, out} -> %{c | out: out} |> Own.admitted(reference) |> admit(n + 1)
    end
  end

  defp flush(%{state: :closed} = c), do: c

  defp flush(c) do
    case Outgoing.flush(c.out, c.socket) do
      {:ok, out} -> %{c | out: out}
      {:lost, out} -> close(%{c | out: out})
    end
  end

  # States.

  defp next_state(%{state: :draining, goaway_unsaid: false} = c) do
    left = map_size(c.calls) + map_size(c.running)
    if left == 0 and :queue.is_empty(c.queue), do: next_state(%{c | state: :lingering}), else: c
  end

  defp next_state(%{state: :lingering} = c), do: shut(c, @linger_ms)
  defp next_state(%{state: :failed} = c), do: shut(c, nil)

  defp next_state(%{state: state} = c) when state in [:leaving, :finishing] do
    done = map_size(c.calls) == 0 and map_size(c.mine) == 0 and Outgoing.empty?(c.out)
    if done, do: close(c), else: c
  end

  defp next_state(c), do: c

  # What was said is written before writing is shut down.
  defp shut(%{shut: false, out: %{bytes: 0}} = c, time) do
    :socket.shutdown(c.socket, :write)
    if time, do: timer(time, c.state)
    %{c | shut: true}
  end

  defp shut(c, _), do: c

  defp drain(%{state: state} = c) when state in [:open, :leaving] do
    c = Own.end_waits(%{c | state: :draining})

    cond do
      c.role == :acceptor and c.mode == :framed and not c.accepted ->
        timer(@linger_ms, :unsaid)
        %{c | goaway_unsaid: true}

      may_send?(c) ->
        say_goaway(c, 0)

      true ->
        c
    end
  end

  defp drain(c), do: c

  defp may_send?(c), do: c.accepted or c.mode == :framed

  @doc "The goaway of a drain that waited for the first frame (C-54)."
  def late_goaway(%{goaway_unsaid: true, accepted: true} = c),
    do: say_goaway(%{c | goaway_unsaid: false}, 0)

  def late_goaway(c), do: c

  defp say_goaway(c, status) do
    say(%{c | goaway_sent: true}, Tw.Write.plain(4, 0, 0, Tw.Bodies.goaway(c.highest, status)))
  end

  @doc "A connection error (section 7.6)."
  def error(%{state: state} = c, _, _) when state in [:failed, :closed], do: c
  def error(%{state: :finishing} = c, _, _), do: close(c)

  def error(c, status, text) do
    silent = c.shut or (c.role == :acceptor and not c.accepted) or not may_send?(c)
    c = %{c | state: :failed} |> Calls.drop_all() |> Own.fail_all(:error)
    timer(@discard_ms, :failed)
    if silent, do: c, else: say_goaway(c, {status, text})
  end

  def close(%{state: :closed} = c), do: c

  def close(c) do
    # Notifications that run go on after the end, but not after an error: drop_all was asked then.
    c = c |> Own.fail_all() |> Calls.drop_calls()
    :socket.close(c.socket)
    %{c | state: :closed}
  end

  # Time.

  defp tick(c) do
    timer(1_000, :tick)
    now = now()
    # What this process itself slept does not count.
    pause = max(0, now - c.ticked - 2_000_000)
    {stalled, out} = Outgoing.stalled(c.out, now, pause)
    c.config.report.(Outgoing.load(out))
    c = %{c | out: out, ticked: now}
    if stalled, do: close(c), else: c
  end

  def now, do: System.monotonic_time(:microsecond)
  def timer(milliseconds, what), do: :erlang.start_timer(milliseconds, self(), what)

  @doc "Nothing is sent for what is counted."
  def count(c, what), do: %{c | counted: Map.update(c.counted, what, 1, &(&1 + 1))}
end
