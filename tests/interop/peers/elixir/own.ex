defmodule Tw.Own do
  @moduledoc """
  Calls of this side. Whoever gave the order is told `{:answer, reference, status, executed, payload}`,
  executed as a word, or `-` where the call did not fail.
  """
  alias Tw.{Bodies, Calls, Connection, Outgoing, Write}

  @last_id 0xFFFFFFFF

  @doc "A call, a notification, or to give a call up. Timeout: microseconds, or nil."
  def order(c, {:call, from, reference, method, payload, timeout}),
    do:
      ask(c, reference, %{kind: 0, from: from, method: method, payload: payload, timeout: timeout})

  def order(c, {:notify, from, reference, method, payload}),
    do: ask(c, reference, %{kind: 2, from: from, method: method, payload: payload, timeout: nil})

  def order(c, {:cancel, reference}) do
    case c.mine do
      %{^reference => _} -> c |> say_cancel(reference) |> fail(reference, 1, "maybe")
      _ -> c
    end
  end

  defp ask(c, reference, order) do
    deadline = order.timeout && Connection.now() + order.timeout
    call = Map.merge(order, %{id: nil, timer: nil, deadline: deadline})
    c = %{c | mine: Map.put(c.mine, reference, call)}
    size = byte_size(frame(call, @last_id, order.timeout)) + 4

    cond do
      c.state != :open -> fail(c, reference, 14, "no")
      deadline != nil and order.timeout <= 0 -> fail(c, reference, 4, "no")
      not readable?(c, order.kind) -> fail(c, reference, 9, "no")
      size - 4 > c.peer_max -> fail(c, reference, 8, "no")
      order.kind == 0 and c.next_id > @last_id -> c |> out_of_ids() |> fail(reference, 14, "no")
      true -> wait(c, reference, call, size)
    end
  end

  # Where frames, and answers to them, are known to be read (G-3, G-19).
  defp readable?(%{mode: :both} = c, 0), do: c.accepted and c.hello != nil
  defp readable?(c, _), do: c.mode == :framed or c.accepted

  defp out_of_ids(c) do
    send(self(), :drain)
    c
  end

  defp wait(c, reference, call, size) do
    timer = call.deadline && Calls.expiry(call.deadline, {:give_up, reference})
    mine = Map.put(c.mine, reference, %{call | timer: timer})
    %{c | mine: mine, out: Outgoing.wait(c.out, size, {:own, reference})}
  end

  defp frame(%{kind: 2} = call, _, _), do: Write.plain(2, 0, {:text, call.method}, call.payload)

  defp frame(call, id, left) do
    entries = if left, do: [{7, left |> max(1) |> min(140_737_488_355_328)}], else: []
    Write.plain(0, id, {:text, call.method}, call.payload, entries)
  end

  @doc "There is room: the frame is made now, with the time that is left (C-85)."
  def admitted(c, reference) do
    call = c.mine[reference]
    left = call.deadline && call.deadline - Connection.now()

    cond do
      left != nil and left <= 0 ->
        fail(c, reference, 4, "no")

      call.kind == 2 ->
        %{c | out: Outgoing.push(c.out, frame(call, 0, nil))} |> done(reference, 0, "-", "")

      true ->
        send_call(c, reference, call, left)
    end
  end

  defp send_call(c, reference, call, left) do
    id = c.next_id
    out = Outgoing.push(c.out, frame(call, id, left))
    mine = Map.put(c.mine, reference, %{call | id: id, payload: ""})
    %{c | out: out, mine: mine, own: Map.put(c.own, id, reference), next_id: id + 1}
  end

  @doc "The deadline passed: nothing was said of a call that still waits."
  def expire(c, reference) do
    case c.mine do
      %{^reference => %{id: nil}} -> fail(c, reference, 4, "no")
      %{^reference => _} -> c |> say_cancel(reference) |> fail(reference, 4, "maybe")
      _ -> c
    end
  end

  # One cancel a call: after it the call is no longer ours.
  defp say_cancel(c, reference) do
    id = c.mine[reference].id
    if id != nil and not c.shut, do: Connection.say(c, Write.plain(5, id, 0, "")), else: c
  end

  def response(c, frame, even) do
    case {Map.get(c.own, frame.id), even} do
      {nil, _} -> Connection.count(c, "response to no open call")
      {reference, []} -> answered(c, reference, frame)
      {reference, _} -> fail(c, reference, 12, "maybe")
    end
  end

  defp answered(c, reference, %{target: 0} = frame), do: done(c, reference, 0, "-", frame.payload)

  defp answered(c, reference, frame) do
    # A status that has no name reads as UNKNOWN (C-97).
    status = if frame.target in 1..16, do: frame.target, else: 2
    done(c, reference, status, Bodies.read_executed(frame.payload), frame.payload)
  end

  def invalid_response(c, id) do
    case c.own do
      %{^id => reference} -> fail(c, reference, 13, "maybe")
      _ -> Connection.count(c, "response to no open call")
    end
  end

  @doc "A goaway ends the waits of what was not sent yet (C-86)."
  def end_waits(c) do
    for({reference, %{id: nil}} <- c.mine, do: reference)
    |> Enum.reduce(c, &fail(&2, &1, 14, "no"))
  end

  @doc "After the peer's goaway: calls above its last id were not executed (C-53)."
  def fail_above(%{goaway_read: last} = c) when is_integer(last) do
    for({id, reference} <- c.own, id > last, do: reference)
    |> Enum.reduce(c, &fail(&2, &1, 14, "no"))
  end

  def fail_above(c), do: c

  @doc "At the end, or at a connection error, all open calls fail (C-19, C-51, C-60)."
  def fail_all(c, why \\ :end) do
    Enum.reduce(c.mine, c, fn {reference, call}, c ->
      above =
        why == :end and is_integer(c.goaway_read) and call.id != nil and call.id > c.goaway_read

      fail(c, reference, 14, if(call.id == nil or above, do: "no", else: "maybe"))
    end)
  end

  defp fail(c, reference, status, executed), do: done(c, reference, status, executed, "")

  defp done(c, reference, status, executed, payload) do
    {call, mine} = Map.pop(c.mine, reference)
    if call.timer, do: :erlang.cancel_timer(call.timer)
    send(call.from, {:answer, reference, status, executed, payload})
    # What is not sent yet waits no longer.
    {_, out} =
      if call.id == nil,
        do: Outgoing.take_out(c.out, &(&1 == {:own, reference})),
        else: {[], c.out}

    %{c | mine: mine, own: Map.delete(c.own, call.id), out: out}
  end
end
