defmodule Tw.Place do
  @moduledoc "Addresses: tcp://HOST:PORT and unix://PATH."

  @doc "A socket that listens there, and the address with the port that it got."
  def listen(url) do
    {domain, address} = read(url)
    {:ok, socket} = :socket.open(domain, :stream)
    if domain == :inet, do: :ok = :socket.setopt(socket, {:socket, :reuseaddr}, true)
    :ok = :socket.bind(socket, address)
    :ok = :socket.listen(socket, 1_024)
    {socket, said(url, socket, domain)}
  end

  def connect(url) do
    {domain, address} = read(url)
    {:ok, socket} = :socket.open(domain, :stream)

    case :socket.connect(socket, address) do
      :ok -> {:ok, at_once(socket, domain)}
      error -> error
    end
  end

  @doc "Blocks until somebody connects."
  def accept(listener, url) do
    {domain, _} = read(url)
    with {:ok, socket} <- :socket.accept(listener), do: {:ok, at_once(socket, domain)}
  end

  # Small frames are not held back for larger packets.
  defp at_once(socket, :inet) do
    :socket.setopt(socket, {:tcp, :nodelay}, true)
    socket
  end

  defp at_once(socket, _), do: socket

  def remove("unix://" <> path), do: File.rm(path)
  def remove(_), do: :ok

  defp read("unix://" <> path), do: {:local, %{family: :local, path: path}}

  defp read("tcp://" <> rest) do
    [host, port] = String.split(rest, ":")
    {:ok, address} = :inet.getaddr(String.to_charlist(host), :inet)
    {:inet, %{family: :inet, addr: address, port: String.to_integer(port)}}
  end

  defp said(url, _, :local), do: url

  defp said("tcp://" <> rest, socket, :inet) do
    [host, _] = String.split(rest, ":")
    {:ok, %{port: port}} = :socket.sockname(socket)
    "tcp://#{host}:#{port}"
  end
end
