defmodule Tw.Calls do
  @moduledoc """
  Calls of the peer, from their request to their response. A call is queued, then running, then waiting for
  room; its id is in flight all the time (C-16, C-93), its slot of the server until its handler ended.
  """
  alias Tw.{Bodies, Connection, Meaning, Methods, Outgoing, Write}

  @words %{cancelled: {1, "cancelled"}, expired: {4, "the deadline has passed"}}

  @doc "The last id accepted, with this one, unless a goaway was said."
  def highest(c, id), do: if(c.goaway_sent, do: c.highest, else: max(c.highest, id))

  # Of several faults the first of C-23.
  def request(c, frame, even, since, now) do
    id = frame.id
    c = %{c | requests: c.requests + 1, highest: highest(c, id)}
    timeout = Meaning.timeout(frame)

    cond do
      is_map_key(c.calls, id) ->
        Connection.error(c, 3, "request #{id} is in flight")

      c.state == :lingering ->
        c

      c.goaway_sent or c.goaway_read != nil ->
        refuse(c, id, 14, "this side goes away")

      even != [] ->
        refuse(c, id, 12, "unknown even keys: #{Enum.join(even, ", ")}", {:array, even})

      late?(timeout, since, now) ->
        refuse(c, id, 4, "the deadline has passed")

      map_size(c.calls) >= c.config.in_flight ->
        refuse(c, id, 8, "too many calls in flight")

      c.queued + byte_size(frame.payload) > Outgoing.limit() ->
        refuse(c, id, 8, "too much waits to start")

      not c.config.take_slot.() ->
        refuse(c, id, 8, "too many calls in flight")

      true ->
        queue(c, frame, timeout && since + timeout)
    end
  end

  defp late?(nil, _, _), do: false
  defp late?(timeout, since, now), do: timeout == 0 or since + timeout <= now

  defp queue(c, frame, deadline) do
    unique = make_ref()
    {:text, method} = frame.target

    call = %{
      unique: unique,
      state: :queued,
      gone: nil,
      pid: nil,
      timer: deadline && expiry(deadline, {:expire, frame.id, unique}),
      deadline: deadline,
      method: method,
      # The record's bytes are not kept for a payload's sake.
      payload: :binary.copy(frame.payload),
      format: Meaning.format(frame),
      response: nil
    }

    enqueue(
      %{c | calls: Map.put(c.calls, frame.id, call)},
      {:request, frame.id, unique},
      call.payload
    )
  end

  @doc "A timer for this microsecond, or none where that is in months."
  def expiry(deadline, what) do
    milliseconds = max(0, div(deadline - Connection.now() + 999, 1_000))
    if milliseconds < 0xFFFFFFFF, do: Connection.timer(milliseconds, what)
  end

  defp enqueue(c, what, payload),
    do: %{c | queue: :queue.in(what, c.queue), queued: c.queued + byte_size(payload)}

  def notification(c, frame, since, now) do
    cond do
      c.state == :lingering ->
        c

      late?(Meaning.timeout(frame), since, now) ->
        Connection.count(c, "late notification")

      c.queued + byte_size(frame.payload) > Outgoing.limit() ->
        Connection.count(c, "notification over the queue")

      true ->
        enqueue(c, {:notification, frame}, frame.payload)
    end
  end

  @doc "An answer of this side's own to a request that was not executed."
  def refuse(c, id, status, message, details \\ nil) do
    say_error(c, id, status, message, details && {:some, details}, 0)
  end

  defp say_error(c, id, status, message, details, executed),
    do: Connection.say(c, error(id, status, message, details, executed))

  defp error(id, status, message, details, executed),
    do: Write.plain(1, id, status, Bodies.error(message, details, executed))

  @doc "Starts what may start: not while too much waits to be written (C-87)."
  def start(%{state: state} = c) when state in [:lingering, :failed, :closed], do: c

  def start(c) do
    if :queue.is_empty(c.queue) or Outgoing.load(c.out) > Outgoing.limit() do
      c
    else
      {{:value, first}, queue} = :queue.out(c.queue)
      %{c | queue: queue} |> start_one(first) |> start()
    end
  end

  defp start_one(c, {:request, id, unique}) do
    case c.calls do
      %{^id => %{unique: ^unique} = call} -> c |> unqueue(call.payload) |> start_call(id, call)
      # It was cancelled, or it expired.
      _ -> c
    end
  end

  defp start_one(c, {:notification, %{target: {:text, ""}} = frame}) do
    c.config.message.({:envelope, frame})
    unqueue(c, frame.payload)
  end

  defp start_one(c, {:notification, %{target: {:text, method}} = frame}) do
    c = unqueue(c, frame.payload)

    case Methods.start(method, frame.payload, Meaning.format(frame)) do
      {:run, function} ->
        {_, monitor} = run(function)
        %{c | running: Map.put(c.running, monitor, :notification)}

      {:refuse, _, _} ->
        Connection.count(c, "notification that is not taken")
    end
  end

  defp unqueue(c, payload), do: %{c | queued: c.queued - byte_size(payload)}

  defp start_call(c, id, call) do
    late = call.deadline != nil and call.deadline <= Connection.now()

    case late || Methods.start(call.method, call.payload, call.format) do
      true ->
        c |> forget(id) |> refuse(id, 4, "the deadline has passed")

      {:refuse, status, message} ->
        c |> forget(id) |> refuse(id, status, message)

      {:run, function} ->
        {pid, monitor} = run(function)
        call = %{call | state: :running, pid: pid, payload: nil}
        %{c | calls: Map.put(c.calls, id, call), running: Map.put(c.running, monitor, id)}
    end
  end

  # What a handler made is how its process ends, so that the response follows its end (C-16).
  defp run(function) do
    spawn_monitor(fn ->
      made =
        try do
          function.()
        rescue
          _ -> {:error, 2, "the handler failed", nil, 2}
        end

      exit({:made, made})
    end)
  end

  @doc "A handler has ended."
  def ended(c, monitor, reason) do
    {what, running} = Map.pop(c.running, monitor)
    c = %{c | running: running}

    case c.calls do
      %{^what => %{state: :running} = call} -> answer(c, what, call, reason)
      _ -> c
    end
  end

  defp answer(c, id, call, reason) do
    c.config.give_slot.()
    frame = response(id, call.gone, reason)

    frame =
      if byte_size(frame) > c.peer_max,
        do: error(id, 8, "the response is longer than the peer reads", nil, 2),
        else: frame

    call = %{call | state: :waiting, response: frame, pid: nil}
    out = Outgoing.wait(c.out, byte_size(frame) + 4, {:result, id})
    %{c | calls: Map.put(c.calls, id, call), out: out}
  end

  defp response(id, _, {:made, {:ok, payload, entries}}),
    do: Write.plain(1, id, 0, payload, entries)

  defp response(id, _, {:made, {:error, status, message, details, executed}}),
    do: error(id, status, message, details, executed)

  defp response(id, nil, _), do: error(id, 2, "the handler failed", nil, 2)

  defp response(id, gone, _) do
    {status, message} = @words[gone]
    error(id, status, message, nil, 1)
  end

  @doc "A result that has room is written; its id is free."
  def admitted(c, id) do
    {call, calls} = Map.pop(c.calls, id)
    stop_timer(call)
    %{c | calls: calls, out: Outgoing.push(c.out, call.response)}
  end

  def expire(c, id, unique) do
    case c.calls do
      %{^id => %{unique: ^unique}} -> cancel(c, id, :expired)
      _ -> c
    end
  end

  @doc "A cancel or the deadline: what came first names the status."
  def cancel(%{state: :lingering} = c, _, _), do: c

  def cancel(c, id, why) do
    {status, message} = @words[why]

    case c.calls do
      %{^id => %{state: :queued} = call} ->
        c |> unqueue(call.payload) |> forget(id) |> refuse(id, status, message)

      %{^id => %{state: :running, gone: nil} = call} ->
        Process.exit(call.pid, :kill)
        %{c | calls: Map.put(c.calls, id, %{call | gone: why})}

      %{^id => %{state: :waiting}} ->
        {_, out} = Outgoing.take_out(c.out, &(&1 == {:result, id}))
        %{c | out: out} |> forget(id) |> say_error(id, status, message, nil, 2)

      _ ->
        Connection.count(c, "cancel of no call in flight")
    end
  end

  # A call that needs no handler, or has none any more.
  defp forget(c, id) do
    {call, calls} = Map.pop(c.calls, id)
    stop_timer(call)
    if call.state == :queued, do: c.config.give_slot.()
    %{c | calls: calls}
  end

  defp stop_timer(%{timer: nil}), do: :ok
  defp stop_timer(%{timer: timer}), do: :erlang.cancel_timer(timer)

  @doc "After a connection error nothing is answered, and no handler runs on (C-58, C-60)."
  def drop_all(c) do
    {_, out} = Outgoing.take_out(c.out, &match?({:result, _}, &1))
    c = drop_calls(%{c | out: out})
    %{c | queue: :queue.new(), queued: 0}
  end

  def drop_calls(c) do
    for {_, call} <- c.calls do
      stop_timer(call)
      if call.pid, do: Process.exit(call.pid, :kill)
      if call.state in [:queued, :running], do: c.config.give_slot.()
    end

    %{c | calls: %{}}
  end
end
