defmodule Tw.Incoming do
  @moduledoc "What a connection does with each record that it reads (sections 7.1 to 7.5)."
  alias Tw.{Bodies, Calls, Connection, Meaning, Own}

  @invalid_records 16
  @strike_us 1_000_000
  @strikes 3

  def record(%{mode: :both} = c, bytes, since, now) do
    if Meaning.like_frame?(bytes), do: frame(c, bytes, since, now), else: bare(c, bytes)
  end

  def record(c, bytes, since, now), do: frame(c, bytes, since, now)

  defp bare(c, bytes) do
    c.config.message.({:bare, bytes})
    c
  end

  defp frame(c, bytes, since, now) do
    case Tw.Read.frame(bytes) do
      {:ok, frame} -> valid(c, frame, since, now)
      {:invalid, rule, at, kind, id} -> invalid(c, rule, at, kind, id)
    end
  end

  # Invalid records: counted, and answered where they are requests (C-4 to C-6).

  defp invalid(c, rule, at, kind, id) do
    c = Connection.count(%{c | invalid: c.invalid + 1}, "invalid record")

    c =
      if kind == 0 and id != nil,
        do: %{c | requests: c.requests + 1, highest: Calls.highest(c, id)},
        else: c

    cond do
      kind == 0 and is_map_key(c.calls, id) ->
        Connection.error(c, 3, "request #{id} is in flight")

      c.invalid >= @invalid_records ->
        Connection.error(
          c,
          3,
          "#{@invalid_records} records are invalid, the last by #{rule} at offset #{at}"
        )

      kind == 0 and id != nil and c.state != :lingering and not before_hello?(c) ->
        Calls.refuse(c, id, 3, "the request is invalid: #{rule} at offset #{at}")

      kind == 1 and id != nil ->
        Own.invalid_response(c, id)

      true ->
        c
    end
  end

  defp before_hello?(c), do: c.mode == :both and c.hello == nil

  # Valid frames.

  defp valid(c, frame, since, now) do
    if before_hello?(c) and not taken_before_hello?(frame) do
      Connection.count(c, "frame before the hello")
    else
      # The first frame that is accepted allows frames of this side, its hello before all others.
      c = Connection.say_hello(%{c | accepted: true})
      even = for {key, _} <- Meaning.even(frame), do: key

      c
      |> strikes(frame.kind)
      |> act(frame, even, since, now)
      |> Connection.late_goaway()
    end
  end

  defp taken_before_hello?(%{kind: 2, target: {:text, ""}}), do: true

  defp taken_before_hello?(%{kind: 3} = frame),
    do: Meaning.even(frame) == [] and Bodies.read_hello(frame.payload) != nil

  defp taken_before_hello?(_), do: false

  # Only a frame that is no ping clears the strikes (C-41).
  defp strikes(c, 6), do: c
  defp strikes(c, _), do: %{c | strikes: 0}

  defp act(c, %{kind: 0} = frame, even, since, now), do: Calls.request(c, frame, even, since, now)

  defp act(c, %{kind: kind}, _, _, _) when kind > 7, do: Connection.count(c, "unknown kind")

  defp act(c, %{kind: 1} = frame, even, _, _), do: Own.response(c, frame, even)

  defp act(c, %{kind: 2}, [_ | _], _, _), do: Connection.count(c, "notification with an even key")
  defp act(c, %{kind: 2} = frame, [], since, now), do: Calls.notification(c, frame, since, now)

  defp act(c, _, [_ | _], _, _), do: Connection.count(c, "other frame with an even key")

  defp act(c, %{kind: 3} = frame, _, _, _) do
    case Bodies.read_hello(frame.payload) do
      hello when hello != nil and c.hello == nil -> %{c | hello: hello, peer_max: hello.max}
      _ -> Connection.count(c, "hello unreadable or not the first")
    end
  end

  defp act(%{goaway_read: nil} = c, %{kind: 4} = frame, _, _, _) do
    c = %{c | goaway_read: Bodies.read_goaway(frame.payload)}
    c = if c.state == :open, do: %{c | state: :leaving}, else: c
    c |> Own.end_waits() |> Own.fail_above()
  end

  defp act(c, %{kind: 4}, _, _, _), do: c

  defp act(c, %{kind: 5} = frame, _, _, _) do
    c = %{c | cancels: c.cancels + 1}

    if c.cancels > c.requests,
      do: Connection.error(c, 8, "more cancels than requests"),
      else: Calls.cancel(c, frame.id, :cancelled)
  end

  defp act(c, %{kind: 6} = frame, _, _, now) do
    quick = c.pinged != nil and now - c.pinged < @strike_us
    c = %{c | pinged: now, strikes: c.strikes + if(quick, do: 1, else: 0)}

    cond do
      c.strikes >= @strikes -> Connection.error(c, 8, "too many pings")
      c.state == :lingering -> c
      true -> Connection.say(c, Tw.Write.plain(7, frame.id, 0, ""))
    end
  end

  defp act(c, %{kind: 7}, _, _, _), do: c
end
