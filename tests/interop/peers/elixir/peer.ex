defmodule Tw.Peer do
  @moduledoc """
  The live peer: `framed URL` listens there until its input ends, then drains. `both PATH` is the peer of the
  matrix: it sends the messages that it is told to, and says what it receives.
  """
  alias Tw.{Lines, Meaning, Place, Server, Testee}

  def main(["framed", url]) do
    port = Lines.open()
    {server, said} = Server.start(url, :framed, fn _ -> :ok end)
    Lines.say(port, ["listening", said])
    Lines.each(port, nil, fn _, _ -> nil end)
    Server.drain(server)
    System.halt(0)
  end

  def main(["both", path]) do
    port = Lines.open()
    main = self()
    {server, said} = Server.start("unix://" <> path, :both, &send(main, {:message, &1}))
    Lines.say(port, ["listening", said])
    talk(port, [])
    Server.drain(server)
    System.halt(0)
  end

  # A port takes data from its owner alone, so that what is received is said here as well.
  defp talk(port, pending) do
    receive do
      {:message, message} ->
        Lines.say(port, received(message))
        talk(port, pending)

      {^port, {:data, data}} ->
        {_, pending} =
          Lines.lines(
            :binary.split(data, "\n"),
            nil,
            fn line, _ -> order(port, line) end,
            pending
          )

        talk(port, pending)

      {^port, :eof} ->
        :ok
    end
  end

  defp received({:bare, bytes}), do: ["received", "bare", Testee.hex(bytes), "none"]

  defp received({:envelope, frame}),
    do: [
      "received",
      "framed",
      Testee.hex(frame.payload),
      frame |> Meaning.trace() |> Testee.trace()
    ]

  # send PATH DIALECT BODY TRACE
  defp order(port, line) do
    ["send", path, dialect, hex, trace] = String.split(line, " ")
    body = Testee.bytes(hex)
    message = if dialect == "framed", do: envelope(body, Testee.to_trace(trace)), else: body
    {:ok, socket} = Place.connect("unix://" <> path)
    :ok = :socket.send(socket, [<<byte_size(message)::32>>, message])
    :socket.close(socket)
    Lines.say(port, ["sent", hex])
  end

  # A message without a method: on this socket each is one, and nothing is answered.
  defp envelope(body, trace) do
    {:ok, frame} = Tw.Write.encode(2, 0, {:text, ""}, body, trace, "", [])
    frame
  end
end
