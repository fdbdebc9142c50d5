defmodule Tw.Caller do
  @moduledoc """
  Calls a peer as it is told on standard input, an order a line, and answers each with a line, in the order of
  the orders: STATUS EXECUTED HEX. Calls do not wait for each other.

      call METHOD TIMEOUT_US HEX      TIMEOUT_US is - where there is none
      notify METHOD HEX
      cancel N                        gives the N-th call up, counted from 1
      drain                           answered when the connection has ended
  """
  alias Tw.{Connection, Lines, Place, Server, Testee}

  def main([url]) do
    port = Lines.open()
    {:ok, socket} = Place.connect(url)
    pid = Connection.start(socket, :connector, Server.config(:framed, fn _ -> :ok end))
    Process.monitor(pid)
    # waiting: references in the order of the orders. answers: those that came. calls: by number.
    s = %{
      port: port,
      pid: pid,
      waiting: :queue.new(),
      answers: %{},
      calls: [],
      drained: nil,
      gone: false
    }

    talk(s, [])
  end

  defp talk(s, pending) do
    port = s.port

    receive do
      {:answer, reference, status, executed, payload} ->
        s |> answer(reference, status, executed, payload) |> talk(pending)

      {:DOWN, _, :process, _, _} ->
        %{s | gone: true} |> ended() |> talk(pending)

      {^port, {:data, data}} ->
        {s, pending} = Lines.lines(:binary.split(data, "\n"), s, &order/2, pending)
        talk(s, pending)

      {^port, :eof} ->
        finish(s)
    end
  end

  # The end of orders: what is under way is answered, then the connection drains.
  defp finish(s) do
    cond do
      s.gone and :queue.is_empty(s.waiting) ->
        System.halt(0)

      :queue.is_empty(s.waiting) ->
        send(s.pid, :drain)
        finish(await(s))

      true ->
        finish(await(s))
    end
  end

  defp await(s) do
    receive do
      {:answer, reference, status, executed, payload} ->
        answer(s, reference, status, executed, payload)

      {:DOWN, _, :process, _, _} ->
        ended(%{s | gone: true})
    end
  end

  defp order(line, s) do
    reference = make_ref()
    s = %{s | waiting: :queue.in(reference, s.waiting)}

    case String.split(line, " ") do
      ["call", method, timeout, hex] ->
        timeout = if timeout == "-", do: nil, else: String.to_integer(timeout)
        s = %{s | calls: s.calls ++ [reference]}
        tell(s, reference, {:call, self(), reference, method, Testee.bytes(hex), timeout})

      ["notify", method, hex] ->
        tell(s, reference, {:notify, self(), reference, method, Testee.bytes(hex)})

      ["cancel", n] ->
        send(s.pid, {:own, {:cancel, Enum.at(s.calls, String.to_integer(n) - 1)}})
        answer(s, reference, 0, "-", "")

      ["drain"] ->
        send(s.pid, :drain)
        s = %{s | drained: reference}
        if s.gone, do: ended(s), else: s
    end
  end

  # A call on a connection that has ended was not sent.
  defp tell(%{gone: true} = s, reference, _), do: answer(s, reference, 14, "no", "")

  defp tell(s, _, order) do
    send(s.pid, {:own, order})
    s
  end

  # What was not answered by a connection that is gone never will be: it had not read the order.
  defp ended(s) do
    s.waiting
    |> :queue.to_list()
    |> Enum.reject(&is_map_key(s.answers, &1))
    |> Enum.reduce(s, fn reference, s ->
      if reference == s.drained,
        do: answer(s, reference, 0, "-", ""),
        else: answer(s, reference, 14, "no", "")
    end)
  end

  defp answer(s, reference, status, executed, payload) do
    say(%{
      s
      | answers: Map.put(s.answers, reference, ["#{status}", executed, Testee.hex(payload)])
    })
  end

  defp say(s) do
    with {:value, reference} <- :queue.peek(s.waiting),
         {words, answers} when words != nil <- Map.pop(s.answers, reference) do
      Lines.say(s.port, words)
      say(%{s | waiting: :queue.drop(s.waiting), answers: answers})
    else
      _ -> s
    end
  end
end
