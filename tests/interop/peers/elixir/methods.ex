defmodule Tw.Methods do
  @moduledoc """
  The methods that this peer serves (section 14). What is asked before a handler starts (C-64) is asked here;
  what comes back is run in a process of its own.
  """

  @doc "`{:run, function}` or `{:refuse, status, message}`."
  def start("tracewire.echo", payload, format) do
    entries = if format, do: [{9, format}], else: []
    {:run, fn -> {:ok, payload, entries} end}
  end

  def start("tracewire.sleep", payload, format) do
    case value(payload, format) do
      {:ok, seconds} when is_integer(seconds) and seconds in 0..86_400 ->
        sleep(seconds)

      {:ok, {:float, seconds}} when is_float(seconds) and seconds >= 0 and seconds <= 86_400 ->
        sleep(seconds)

      _ ->
        refused("tracewire.sleep takes a number of seconds, 0 to 86,400")
    end
  end

  def start("tracewire.fail", payload, format) do
    with {:ok, given} <- value(payload, format),
         {:ok, status, message, details} <- failure(given) do
      {:run, fn -> {:error, status, message, details, 2} end}
    else
      _ ->
        refused(
          "tracewire.fail takes a status from 1 to 16, or a map of status, message and details"
        )
    end
  end

  def start(method, _, _), do: {:refuse, 12, "no method \"#{method}\""}

  defp sleep(seconds) do
    # Up to the next millisecond: never less than was asked.
    milliseconds = ceil(seconds * 1000)

    {:run,
     fn ->
       Process.sleep(milliseconds)
       {:ok, "", []}
     end}
  end

  defp refused(message), do: {:refuse, 3, message}

  defp value(payload, format) when format in [nil, 60], do: Tw.Cbor.read_one(payload)
  defp value(_, _), do: :error

  defp failure(status) when is_integer(status) and status in 1..16, do: {:ok, status, "", nil}

  defp failure({:map, pairs}) do
    given = Map.new(pairs)

    known =
      Enum.all?(
        Map.keys(given),
        &(&1 in [{:text, "status"}, {:text, "message"}, {:text, "details"}])
      )

    with true <- known and map_size(given) == length(pairs),
         status when is_integer(status) and status in 1..16 <- given[{:text, "status"}],
         {:text, message} <- Map.get(given, {:text, "message"}, {:text, ""}),
         true <- String.valid?(message),
         {:ok, details} <- details(given) do
      {:ok, status, message, details}
    else
      _ -> :error
    end
  end

  defp failure(_), do: :error

  defp details(given) do
    case Map.fetch(given, {:text, "details"}) do
      {:ok, term} -> if writable?(term), do: {:ok, {:some, term}}, else: :error
      :error -> {:ok, nil}
    end
  end

  defp writable?(term) do
    Tw.Cbor.write(term)
    true
  catch
    {:refused, _} -> false
  end
end
