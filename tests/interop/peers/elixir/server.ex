defmodule Tw.Server do
  @moduledoc """
  A listener and its connections: the slots that they share (C-25), what waits in all of them (C-94), and
  how they end together.
  """
  alias Tw.{Connection, Place}

  @slots 10_000
  @waiting 1_073_741_824
  @drain_ms 1_000

  @doc "Listens, in this process's name. What was said to messages without a method is up to the function."
  def start(url, mode, message) do
    owner = self()
    config = config(mode, message)
    Place.remove(url)

    pid =
      spawn(fn ->
        {listener, said} = Place.listen(url)
        send(owner, {:listening, said})
        server = self()
        spawn_link(fn -> accept(listener, url, server) end)
        loop(%{config: config, connections: %{}, url: url, listener: listener})
      end)

    receive do
      {:listening, said} -> {pid, said}
    end
  end

  @doc "Drains all connections, and waits for their end."
  def drain(pid) do
    monitor = Process.monitor(pid)
    send(pid, :drain)

    receive do
      {:DOWN, ^monitor, _, _, _} -> :ok
    end
  end

  @doc "What connections are told: limits, and what they share."
  def config(mode, message) do
    slots = :counters.new(1, [])

    %{
      mode: mode,
      message: message,
      in_flight: "IN_FLIGHT" |> System.get_env("1000") |> String.to_integer(),
      record_ms: "RECORD_SECONDS" |> System.get_env("30") |> seconds(),
      take_slot: fn -> take(slots) end,
      give_slot: fn -> :counters.sub(slots, 1, 1) end,
      report: fn _ -> :ok end
    }
  end

  defp seconds(text) do
    {seconds, ""} = Float.parse(text)
    round(seconds * 1_000)
  end

  defp take(slots) do
    :counters.add(slots, 1, 1)
    free = :counters.get(slots, 1) <= @slots
    unless free, do: :counters.sub(slots, 1, 1)
    free
  end

  # The server owns each socket first, so that none is lost when the process that accepts ends.
  defp accept(listener, url, server) do
    case Place.accept(listener, url) do
      {:ok, socket} ->
        :socket.setopt(socket, {:otp, :controlling_process}, server)
        send(server, {:accepted, socket})
        accept(listener, url, server)

      {:error, _} ->
        :ok
    end
  end

  defp loop(s) do
    receive do
      {:accepted, socket} ->
        server = self()
        config = %{s.config | report: fn load -> send(server, {:load, self(), load}) end}
        # It reports from its own process.
        pid = Connection.start(socket, :acceptor, config)
        Process.monitor(pid)
        loop(put_in(s.connections[pid], 0))

      {:load, pid, load} ->
        s = if is_map_key(s.connections, pid), do: put_in(s.connections[pid], load), else: s
        loop(bound(s))

      {:DOWN, _, :process, pid, _} ->
        loop(%{s | connections: Map.delete(s.connections, pid)})

      :drain ->
        leave(s)
    end
  end

  # Beyond the bound the connection with most of it ends (C-94).
  defp bound(s) do
    if s.connections |> Map.values() |> Enum.sum() > @waiting do
      {pid, _} = Enum.max_by(s.connections, &elem(&1, 1))
      Process.exit(pid, :kill)
      %{s | connections: Map.delete(s.connections, pid)}
    else
      s
    end
  end

  defp leave(s) do
    Place.remove(s.url)
    :socket.close(s.listener)
    for {pid, _} <- s.connections, do: send(pid, :drain)
    Process.send_after(self(), :late, @drain_ms)
    wait(s.connections)
  end

  defp wait(connections) when map_size(connections) == 0, do: :ok

  defp wait(connections) do
    receive do
      {:DOWN, _, :process, pid, _} -> connections |> Map.delete(pid) |> wait()
      :late -> :ok
      _ -> wait(connections)
    end
  end
end
