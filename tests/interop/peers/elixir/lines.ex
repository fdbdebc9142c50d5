defmodule Tw.Lines do
  @moduledoc """
  Standard input and output as a port: lines of several megabytes go through it at once, which Erlang's own
  reader of standard input takes character by character. Started with -noinput, so that nobody else reads.
  """

  def open do
    # What Erlang says of processes that fail belongs to standard error.
    :logger.set_primary_config(:level, :error)
    :logger.remove_handler(:default)
    :logger.add_handler(:default, :logger_std_h, %{config: %{type: :standard_error}})
    Port.open({:fd, 0, 1}, [:binary, :stream, :eof])
  end

  def say(port, words), do: Port.command(port, [Enum.intersperse(List.wrap(words), " "), "\n"])

  @doc "Calls with each line until the input ends."
  def each(port, state, fun, pending \\ []) do
    receive do
      {^port, {:data, data}} ->
        {state, pending} = lines(:binary.split(data, "\n"), state, fun, pending)
        each(port, state, fun, pending)

      {^port, :eof} ->
        state
    end
  end

  @doc "Whole lines to the function; what has no end yet comes back."
  def lines([start], state, _, pending), do: {state, [pending | start]}

  def lines([stop, rest], state, fun, pending) do
    state = fun.(IO.iodata_to_binary([pending | stop]), state)
    lines(:binary.split(rest, "\n"), state, fun, [])
  end
end
